import packageJson from '../../package.json' with { type: 'json' };

/** The version of both connectors: they are released together. */
export const VERSION: string = packageJson.version;
