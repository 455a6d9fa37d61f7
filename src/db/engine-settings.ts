/** Documents of which there is one each; `clock` exists to read `$$NOW` from (server-time.ts). */
export type EngineSetting =
  | { _id: 'clock' }
  | { _id: 'analytics'; timezone: string; tolerance_percent: number; formula_version: number };
