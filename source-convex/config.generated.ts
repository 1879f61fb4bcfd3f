// Generated from spec/source-convex.json by `npm run types`. Do not edit.

export interface SourceConfig {
  /** The URL of the Convex deployment to read from: https://<deployment name>.convex.cloud, shown in the Convex dashboard under Settings → URL & Deploy Key. For a self-hosted deployment, the http or https URL of its backend. Not the .convex.site URL of HTTP actions. */
  deployment_url: string;

  /** A deploy key of this deployment, made in the Convex dashboard under Settings → URL & Deploy Key. It needs the permission deployment:data:view and no other. For a self-hosted deployment, its admin key. Required, unless only query streams are read. */
  access_key?: string;

  /** Convex keeps its log of changes for a limited time. If a stream was not synced for longer than that, deletions may have been missed. "Fail sync" stops and names the streams to refresh. "Re-sync data" reads these streams anew from a fresh snapshot; documents that were deleted in between remain in the destination. */
  expired_cursor_behavior?: 'Fail sync' | 'Re-sync data';

  /** How values are written that JSON has no type of its own for. "json" is plain: int64 and bytes become strings. "convex_encoded_json" wraps them ({"$integer": …}, {"$bytes": …}) and loses nothing. "export_json" writes int64 as bare integers. Do not change it for streams that were synced before: refresh them. */
  value_format?: 'json' | 'convex_encoded_json' | 'export_json';

  /** Streams that are read by calling query functions of the app, also where the plan has no streaming export: computed, joined or filtered views. */
  query_streams?: {
    /** What the stream is called. No table of the deployment may have the same name, if tables are read as well. */
    name: string;

    /** The path of the query: the file below convex/, a colon, the name of the function. Internal queries can be called with a deploy key that has the permission deployment:functions:runInternalQueries. */
    query: string;

    /** The named arguments of the query, as a JSON object. Those for pages and the cursor are added to them. */
    args?: string;

    /** Whether the query takes paginationOpts and returns a page, as Convex's paginate does. If not, it is called once and returns a list of up to 8,192 records. */
    paginated?: boolean;

    /** How many records a page is asked for. Smaller pages are tried where this is more than the query can read or return at a time. */
    page_size?: number;

    /** The fields that tell records apart, such as _id. Needed for deduplication. */
    primary_key?: string[];

    /** A field whose value grows with every change of a record, such as updatedAt: a number, a text, or an int64 in the value format convex_encoded_json. Makes the stream incremental. */
    cursor_field?: string;

    /** The argument of the query that takes the greatest value of the cursor field read so far. The first sync passes what the arguments above hold for it, if anything. Without it the query returns everything each time, and only records from that value on are passed on. */
    cursor_argument?: string;
  }[];

  /** A token of the app's auth provider (JWT), in whose name the queries of query streams are called. Without it they are called with the deploy key, or, if there is none, by nobody in particular. Tokens expire: a deploy key does not. */
  user_token?: string;

  /** Incremental streams are read through Convex's Data Sync where the backend has it (2026-08-17 and later, chosen by itself): fewer requests, and tables that were imported over, restored or cleared stay exact. "Change log" reads the older change log in any case. It does not tell of replaced tables: refresh the streams after an import. */
  changes_from?: 'Data Sync where available' | 'Change log';
}
