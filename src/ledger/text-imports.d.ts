/** Lua scripts are imported as text, so that a compiled node carries them. */
declare module "*.lua" {
  const source: string;
  export default source;
}
