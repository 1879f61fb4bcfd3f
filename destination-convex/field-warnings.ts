/**
 * Warnings about fields that Convex did not store as they are. They have names and counts, never values.
 * Pure.
 */
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
    warnings.push(
      `Convex rounded numbers of stream "${text}": ${named(rounded.map(({ name, numbers }) => `"${name}" (${numbers}${numbers < MAX_COUNT ? '' : ' or more'})`))}. It stores numbers as 64-bit floating point, which has 15 to 17 digits. Have the source send these fields as strings to keep all digits.`,
    );
  }
  if (dropped.size > 0) {
    warnings.push(
      `Stream "${text}" has fields that are not stored: ${named([...dropped].map((name) => `"${name}"`))}. Convex drops every field whose name begins with _ab_cdc or source_ab_cdc. Rename them in the source to keep them.`,
    );
  }
  return warnings;
}

function named(fields: readonly string[]): string {
  const more = fields.length - MAX_NAMED;
  return `${fields.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
