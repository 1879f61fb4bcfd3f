/** Fields of an object that Convex would store under the same name, so that one is lost (C38). Pure. */
import {
  CDC_DELETED,
  type Spelling,
  freeFieldName,
  isDropped,
  spelledFieldName,
} from '../shared/convex/identifiers.ts';

/** Two fields as the source calls them, and the path of their object (empty for the record itself). */
export interface MergedFields {
  path: string[];
  fields: [string, string];
}

/** The first such pair, at any depth. An unknown spelling counts as equal to any other one (INV9). */
export function mergedFields(record: object, spelling: Spelling): MergedFields | undefined {
  const waiting: Place[] = [{ value: record, name: '', parent: undefined }];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const { value, parent } = place;
    if (!Array.isArray(value)) {
      const fields = mergedIn(Object.keys(value), spelling, parent === undefined);
      if (fields !== undefined) return { path: pathOf(place), fields };
    }
    for (const [name, inner] of Object.entries(value) as [string, unknown][])
      if (typeof inner === 'object' && inner !== null) waiting.push({ value: inner, name, parent: place });
  }
  return undefined;
}

/** An object or array of a record, with its parent. Copies of paths would cost the square of the depth. */
interface Place {
  value: object;
  name: string;
  parent: Place | undefined;
}

function pathOf(place: Place): string[] {
  const path: string[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) path.push(at.name);
  return path.reverse();
}

function mergedIn(names: readonly string[], spelling: Spelling, top: boolean): [string, string] | undefined {
  const own = new Set(names);
  const renamed = new Map<string, string>();
  let unknown: string | undefined;
  let last: string | undefined;
  for (const name of names) {
    let stored = spelledFieldName(name, spelling);
    if (stored === name) continue;
    if (unknown !== undefined || (stored === undefined && last !== undefined)) return [unknown ?? last!, name];
    last = name;
    if (stored === undefined) {
      unknown = name;
      continue;
    }
    // If no name is free, the deployment refuses the record.
    stored = freeFieldName(stored, own) ?? stored;
    // Convex drops these. Only the field that marks a deletion has to be unambiguous.
    if (top && isDropped(stored) && stored !== CDC_DELETED) continue;
    const other = renamed.get(stored);
    if (other !== undefined) return [other, name];
    renamed.set(stored, name);
  }
  return undefined;
}

/**
 * Why a record with such a pair is refused. Names of nested fields may be content (a map from addresses to
 * counts), so for those only the top-level field is named.
 */
export function mergedText({ path, fields: [first, second] }: MergedFields): string {
  const which =
    path.length === 0 ? `its fields "${first}" and "${second}"` : `two fields inside its field "${path[0]!}"`;
  return `${which} would be stored under one name, and one of them would be lost: Convex renames fields that begin with _ or $ or are not ASCII. Rename one of them in the source, or deselect it.`;
}
