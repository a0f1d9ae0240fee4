import { Fragment } from 'preact';
import { type KeyName, keysOf, shownKey } from './keys';

/** The keys of a command, each as a cap. */
export function Caps({ of }: { of: KeyName }) {
  return (
    <>
      {keysOf(of).map((key, i) => (
        <Fragment key={key}>
          {i === 0 ? null : ' '}
          <kbd>{shownKey(key)}</kbd>
        </Fragment>
      ))}
    </>
  );
}
