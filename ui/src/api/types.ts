// The one place that says where the wire types come from.
export type * from './generated';
export { JOBS_KEPT, LINES_KEPT } from './generated';
