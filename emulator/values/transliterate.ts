import { createRequire } from 'node:module';

/**
 * Blocks of 256 characters that the backend's crate spells `[?] ` and the npm package spells as nothing. In a slug the
 * former separates words. First and last block (code point divided by 256).
 */
const UNKNOWN_BLOCKS = [
  [0x08, 0x08],
  [0x19, 0x1d],
  [0x29, 0x2d],
  [0x34, 0x4c],
  [0xa5, 0xab],
  [0xe0, 0xf8],
] as const;

// Loaded with the first name beyond ASCII. Most deployments never see one.
let unidecode: ((text: string) => string) | undefined;

/**
 * ASCII spelling of a text, as the crate unidecode 0.3.0 spells it, which the backend's slugs use. The npm package of the
 * same name has the same tables. Slugs of all code points were compared: they differ in UNKNOWN_BLOCKS only.
 */
export function transliterate(text: string): string {
  let ascii = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    ascii += code < 128 ? character : spell(character, code);
  }
  return ascii;
}

function spell(character: string, code: number): string {
  // The tables end with the basic plane: emoji and mathematical letters are dropped.
  if (code > 0xffff) return '';
  const block = code >>> 8;
  if (UNKNOWN_BLOCKS.some(([first, last]) => block >= first && block <= last)) return '[?] ';
  unidecode ??= createRequire(import.meta.url)('unidecode') as (text: string) => string;
  return unidecode(character);
}
