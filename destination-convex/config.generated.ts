// Generated from spec/destination-convex.json by `npm run types`. Do not edit.

export interface DestinationConfig {
  /** The URL of the Convex deployment to write to: https://<deployment name>.convex.cloud, shown in the Convex dashboard under Settings → URL & Deploy Key. For a self-hosted deployment, the http or https URL of its backend. Not the .convex.site URL of HTTP actions. */
  deployment_url: string;

  /** A deploy key of this deployment, made in the Convex dashboard under Settings → URL & Deploy Key. It needs the permission deployment:backups:import, and deployment:backups:view as well if tables are replaced at once; no other. For a self-hosted deployment, its admin key. */
  access_key: string;

  /** Convex refuses records that it cannot store, such as documents over 1 MiB. "Fail sync" writes all other records of the batch and then stops, naming the stream and the primary key. "Skip and report" leaves the record out, counts it as rejected, names it in the log, and goes on. */
  on_rejected_record?: 'Fail sync' | 'Skip and report';

  /** "Clear, then insert" empties a table that is to be replaced and fills it while records arrive. "Replace at once" uploads the records and replaces the table in one transaction when the whole sync has succeeded: the app sees all old rows or all new ones. Of a stream that is deduplicated, a few rows may be of an earlier version for a moment. Needs a deploy key with the permissions deployment:backups:import and deployment:backups:view. */
  overwrite_method?: 'Clear, then insert' | 'Replace at once';

  /** Calls your app after a successful sync, with a summary of it: streams, tables, numbers of records. Delivered at least once, so the function must be idempotent. */
  after_sync?: {
    /** A mutation or an action, which are called with the deploy key, or an HTTP action. */
    kind?: 'mutation' | 'action' | 'HTTP action';

    /** The path of the function: the file below convex/, a colon, its name. For an HTTP action its path, or, on a self-hosted deployment, its URL. */
    path?: string;

    /** What the HTTP action finds in the header Authorization, after Bearer. */
    secret?: string;

    /** "Warn" says so in the log. "Fail sync" fails the sync, whose data is written nonetheless; the next attempt has nothing left to write and makes the call again. */
    on_failure?: 'Warn' | 'Fail sync';
  };
}
