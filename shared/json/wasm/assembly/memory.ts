/**
 * Where things stand in the memory, in bytes: the positions found (4 bytes each), tables of keys, two places
 * for text, and after each place some bytes that may be read beyond its end. See find.ts.
 */
export const OUTPUT: i32 = 1024;
export const MAX_FOUND: i32 = 32 * 1024;

/**
 * A key of a table takes 48 bytes: up to 32 of text with both quotes, then 32-bit numbers: a mask with a bit
 * for each byte of it, its length, whether it is wanted.
 */
export const MAX_KEYS: i32 = 64;
export const KEY_BYTES: i32 = 48;
export const MAX_KEY_TEXT: i32 = 32;
export const WANTED: i32 = MAX_KEY_TEXT + 8;
/** Keys of members that `findMembers` knows. Their texts are at the beginning of the 32 bytes. */
export const KEYS: i32 = OUTPUT + 4 * MAX_FOUND;
/** Names, and names whose numbers do not matter; see quiet.ts. Their texts end the 32 bytes. */
export const QUIET_NAMES: i32 = KEYS + MAX_KEYS * KEY_BYTES;
export const QUIET_NUMBERS: i32 = QUIET_NAMES + MAX_KEYS * KEY_BYTES;

export const COPIED: i32 = QUIET_NUMBERS + MAX_KEYS * KEY_BYTES;
export const MAX_COPIED: i32 = 256 * 1024;
export const RESIDENT: i32 = COPIED + MAX_COPIED;
export const MAX_RESIDENT: i32 = 64 * 1024;

/** What is found of the changes of a page: 4-byte numbers, in two places of this size. See changes.ts. */
export const CHANGES: i32 = RESIDENT + MAX_RESIDENT + 64;
export const MAX_CHANGES: i32 = 64 * 1024;
export const CHANGE_NUMBERS: i32 = 7;

/** The text of the changes of a chunk, which stays there while lines are made of it. See lines.ts. */
export const CHUNK: i32 = CHANGES + 8 * MAX_CHANGES;
/** Lines, and what stands in each before and after the members. */
export const LINES: i32 = CHUNK + MAX_COPIED + 64;
export const MAX_LINES: i32 = 256 * 1024;
export const LINE_HEAD: i32 = LINES + MAX_LINES + 64;
export const MAX_LINE_PART: i32 = 4 * 1024;
export const LINE_TAIL: i32 = LINE_HEAD + MAX_LINE_PART + 64;
