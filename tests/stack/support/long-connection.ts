/**
 * Asks over one connection, five times a second, until an answer says that it is the last one.
 * Prints how old the connection was then. Fails if the connection ends without a word.
 */
import { connect } from "node:net";

const INTERVAL_MS = 200;
const port = Number(Bun.argv[2]);
const startedAt = Date.now();
let answers = 0;
let announced = false;
let text = "";

const socket = connect(port, "127.0.0.1");
const ask = () => socket.write("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
socket.on("connect", ask);
socket.on("data", (data) => {
  text += data.toString("latin1");
  if (!text.includes('{"status":"ok"}')) {
    return;
  }
  answers += 1;
  announced = /^connection: close\r$/im.test(text);
  text = "";
  if (announced) {
    const seconds = Math.floor((Date.now() - startedAt) / 1_000);
    console.log(`close after ${seconds}s, ${answers} answers`);
  } else {
    setTimeout(ask, INTERVAL_MS);
  }
});
socket.on("error", () => (announced = false));
socket.on("close", () => process.exit(announced ? 0 : 1));
