import { Age, Until } from '../../ui/clock';
import { hook } from './store';

/** Whether an address of the operator's is told what waits, when it last was, and why it could not be. */
export function HookLine() {
  const now = hook.now.value;
  if (now === null) return null;
  return (
    <p class={`hook ${now.state === 'failing' ? 'bad' : 'dim'}`} data-hook={now.state}>
      Told away from this page:{' '}
      {now.state === 'off' ? (
        'nobody. An address that gets what waits is set by the option Notify:Url'
      ) : now.state === 'failing' ? (
        <>
          failing for {now.failing_since_at == null ? null : <Age at={now.failing_since_at} />}: {now.reason};{' '}
          {now.next_attempt_at == null ? (
            'next attempt with the next thing that waits'
          ) : (
            <Until at={now.next_attempt_at} ahead={(left) => `next attempt in ${left}`} past={() => 'trying now'} />
          )}
        </>
      ) : now.last_sent_at == null ? (
        'the address of Notify:Url; nothing has been sent yet'
      ) : (
        <>
          the address of Notify:Url, last <Age at={now.last_sent_at} /> ago
        </>
      )}
    </p>
  );
}
