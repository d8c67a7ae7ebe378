/** Put in by `./sluice build`; not there where a program runs from source. */
declare const SLUICE_RELEASE: string;

/** Which build this is: the release that it was built as, or "source". */
export const release: string = typeof SLUICE_RELEASE === "string" ? SLUICE_RELEASE : "source";
