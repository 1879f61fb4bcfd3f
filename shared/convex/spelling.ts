/**
 * How the deployment transliterates names beyond ASCII (C37). Each character is replaced on its own, so the
 * deployment is asked for each part that is not ASCII once (DEC43, `StreamingImport.spellingOf`).
 */
import { asciiFieldNameOf, isFieldName } from './identifiers.ts';

/** Spelling of each part: ASCII letters, digits and `_`; undefined if the deployment did not give one. */
export type Spelling = ReadonlyMap<string, string | undefined>;

/** Characters in one question: their spelling has to fit into a table name. */
const BEYOND_ASCII = /[^\0-\x7f]{1,6}/gu;

/** The parts of a name to ask for. None if the text is not valid Unicode, which the deployment refuses. */
export function partsToSpell(name: string): string[] {
  return name.isWellFormed() ? (name.match(BEYOND_ASCII) ?? []) : [];
}

/**
 * The field that `name` becomes, unless another field interferes. Undefined if a part is unknown or the name
 * too long.
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
