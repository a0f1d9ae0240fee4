using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Hive.Common.Doors;

/// <summary>
/// The share of one socket in the threads that serve all of them. Commands run where they were read, which may be the
/// one thread of all sockets (docs/adr/0023); when those of a socket have used much of its time, they continue on the
/// pool, one connection's command at a time and behind the work of others.
/// </summary>
internal sealed class ThreadTime : IThreadPoolWorkItem
{
    // A socket may use a quarter of the time, and 2 ms at once. A busy agent uses a hundredth: a command takes 20 us
    // up to its first wait.
    private const long Parts = 4;
    private static readonly long Burst = Parts * 2 * Stopwatch.Frequency / 1000;

    private readonly Queue<Action> waiting = new();
    private bool running;
    private long usedUntil;

    /// <summary>True when the next command must wait for <see cref="Next"/>.</summary>
    public bool IsUsedUp => Interlocked.Read(ref usedUntil) - Stopwatch.GetTimestamp() > Burst;

    /// <summary>Counts the time since <paramref name="begun"/>.</summary>
    public void Used(long begun)
    {
        var used = Parts * (Stopwatch.GetTimestamp() - begun);
        // Two at once may count one time only, which matters to nobody.
        Interlocked.Exchange(ref usedUntil, Math.Max(Interlocked.Read(ref usedUntil), begun) + used);
    }

    /// <summary>Continues on the pool when the others of this socket that asked before have had their turn.</summary>
    public Turn Next() => new(this);

    void IThreadPoolWorkItem.Execute()
    {
        Action next;
        lock (waiting)
            next = waiting.Dequeue();
        next();
        lock (waiting)
        {
            if (waiting.Count == 0)
            {
                running = false;
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Add(Action continuation)
    {
        lock (waiting)
        {
            waiting.Enqueue(continuation);
            if (running)
                return;
            running = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>The wait for <see cref="Next"/>.</summary>
    internal readonly struct Turn(ThreadTime share) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public Turn GetAwaiter() => this;

        public void GetResult() { }

        public void OnCompleted(Action continuation) => share.Add(continuation);

        public void UnsafeOnCompleted(Action continuation) => share.Add(continuation);
    }
}
