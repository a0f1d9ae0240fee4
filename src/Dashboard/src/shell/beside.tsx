import { Fragment } from 'preact';
import { beside } from '../ui/beside';

/** The drawer's content. */
export function Beside() {
  const open = beside.value;
  return open === null ? null : <Fragment key={open.key}>{open.view()}</Fragment>;
}
