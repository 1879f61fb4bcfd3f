/** Validates input against JSON Schemas of spec/. Messages name place and rule; a value may be a key. */
import { Ajv, type ErrorObject } from 'ajv';
import { configError } from '../core/failure.ts';

// strict: false, because Airbyte's annotations (airbyte_secret, order, …) are unknown to JSON Schema.
// verbose: errors carry their schema, which has the description of a pattern.
// validateSchema: false, because a test validates the schemas. It would cost 40 ms in each run.
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
