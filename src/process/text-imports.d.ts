/** Lua scripts and migrations are imported as text, so that a compiled program carries them. */
declare module "*.lua" {
  const source: string;
  export default source;
}

declare module "*.sql" {
  const text: string;
  export default text;
}
