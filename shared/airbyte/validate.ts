/**
 * Validates what comes from outside against the schemas in spec/, with messages that name the place and the rule and never the value:
 * a configuration holds a key, and a value that failed could be one.
 */
import { Ajv, type ErrorObject } from 'ajv';
import { configError } from '../core/failure.ts';

// Airbyte's keywords (airbyte_secret, order, …) are annotations that JSON Schema does not know, hence not strict.
// verbose: an error brings its schema along, for the pattern's description; it brings the value too, which is left alone.
// The schemas themselves are checked by a test: compiling the schema of schemas in each run would cost 40 ms.
const ajv = new Ajv({ strict: false, allErrors: true, verbose: true, meta: false, validateSchema: false });

/** Throws a config_error that lists what is wrong with `value`. */
export function validate(what: string, schema: object, value: unknown): void {
  const check = ajv.compile(schema);
  if (check(value)) return;
  const problems = [...new Set((check.errors ?? []).map(describe))];
  throw configError(`The ${what} is not valid: ${problems.join('; ')}.`);
}

function describe(error: ErrorObject): string {
  const place = error.instancePath.slice(1).replaceAll('/', '.') || 'it';
  switch (error.keyword) {
    case 'required':
      return `${join(place, (error.params as { missingProperty: string }).missingProperty)} is missing`;
    case 'enum':
      return `${place} must be one of ${(error.params as { allowedValues: unknown[] }).allowedValues.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'pattern': {
      const { pattern_descriptor: form } = (error.parentSchema ?? {}) as { pattern_descriptor?: string };
      return form === undefined ? `${place} does not have the expected form` : `${place} must look like ${form}`;
    }
    case 'additionalProperties':
      return `${join(place, (error.params as { additionalProperty: string }).additionalProperty)} is not known`;
    default:
      return `${place} ${error.message ?? 'is not as expected'}`;
  }
}

function join(place: string, name: string): string {
  return place === 'it' ? name : `${place}.${name}`;
}
