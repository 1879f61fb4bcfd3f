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
    const fields = rounded.map(({ name, numbers }) => `"${name}" (${numbers}${numbers < MAX_COUNT ? '' : ' or more'})`);
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
