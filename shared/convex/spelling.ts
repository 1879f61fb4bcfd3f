/**
 * How the deployment spells names beyond ASCII. It replaces each character on its own, by tables that are not
 * repeated here, so it is asked for the parts of names that are not ASCII (`StreamingImport.spellingOf`),
 * once each. The rest is computed.
 */
import { asciiFieldNameOf, isFieldName } from './identifiers.ts';

/**
 * By part of a name: the ASCII letters, digits and `_` (for anything else) that the deployment writes
 * instead; undefined where it could not say.
 */
export type Spelling = ReadonlyMap<string, string | undefined>;

/** So many characters are asked for at once: their spelling has to fit into the name of a table. */
const BEYOND_ASCII = /[^\0-\x7f]{1,6}/gu;

/**
 * The parts of a name to ask for. None for text that is not Unicode (a lone surrogate), which the deployment
 * refuses.
 */
export function partsToSpell(name: string): string[] {
  return name.isWellFormed() ? (name.match(BEYOND_ASCII) ?? []) : [];
}

/**
 * The field that `name` becomes where no other one interferes; undefined where a part is unknown, or the name
 * is longer than allowed.
 */
export function spelledFieldName(name: string, spelling: Spelling): string | undefined {
  if (isFieldName(name) && !name.startsWith('_')) return name;
  let unknown = false;
  const ascii = name.replace(BEYOND_ASCII, (part) => {
    const spelled = spelling.get(part);
    unknown ||= spelled === undefined;
    return spelled ?? '';
  });
  return unknown ? undefined : asciiFieldNameOf(ascii);
}
