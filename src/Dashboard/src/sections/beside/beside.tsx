import { Diff } from '../approvals/diff';
import { Logs } from '../logs/logs';
import { shown } from './state';

/** What the drawer holds, one thing at a time. */
export function Beside() {
  const what = shown.value;
  if (what === null) return null;
  return 'logs' in what ? <Logs key={`logs ${what.logs}`} name={what.logs} /> : <Diff key={`diff ${what.diff}`} id={what.diff} />;
}
