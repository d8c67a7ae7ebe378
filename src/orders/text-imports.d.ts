/** Migrations are imported as text, so that a compiled worker carries them. */
declare module "*.sql" {
  const text: string;
  export default text;
}
