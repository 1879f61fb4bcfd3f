/** Warnings about fields that Convex did not store as they are: names and counts, no values. Pure. */
import { listed } from '../shared/core/text.ts';
import { MAX_COUNT, type RoundedField } from './field-watch.ts';

/** Fields named in a warning. */
const MAX_NAMED = 5;

interface FieldFacts {
  rounded: readonly RoundedField[];
  dropped: ReadonlySet<string>;
}

/** One warning for rounded numbers and one for dropped fields. `text`: the stream's name in messages. */
export function fieldWarnings(text: string, { rounded, dropped }: FieldFacts): string[] {
  const warnings: string[] = [];
  if (rounded.length > 0) {
    const fields = countsByText(rounded).map(
      ([field, count]) => `${field} (${count}${count < MAX_COUNT ? '' : ' or more'})`,
    );
    warnings.push(
      `Convex rounded numbers of stream "${text}": ${listed(fields, MAX_NAMED)}. It stores numbers as 64-bit floating point, which has 15 to 17 digits. Have the source send these fields as strings to keep all digits.`,
    );
  }
  if (dropped.size > 0) {
    const fields = [...dropped].map((name) => `"${name}"`);
    warnings.push(
      `Stream "${text}" has fields that are not stored: ${listed(fields, MAX_NAMED)}. Convex drops every field whose name begins with _ab_cdc or source_ab_cdc. Rename them in the source to keep them.`,
    );
  }
  return warnings;
}

/**
 * How many numbers were rounded, by the text for their field; most first. Names of nested fields may be
 * content (a map from addresses to counts), so for those the field of the record itself is named.
 */
function countsByText(rounded: readonly RoundedField[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { name, column, numbers } of rounded) {
    const text = column === name ? `"${name}"` : `inside "${column}"`;
    counts.set(text, Math.min(MAX_COUNT, (counts.get(text) ?? 0) + numbers));
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}
