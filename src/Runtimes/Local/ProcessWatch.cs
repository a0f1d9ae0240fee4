using System.IO.Pipes;
using Hive.Common.Linux;
using Microsoft.Win32.SafeHandles;

namespace Hive.Runtimes.Local;

/// <summary>
/// Notices the end of processes at once, whether they are children of this host or not: one thread waits in poll(2) on
/// their pidfds. It polls no timer, and never mistakes another process with the same number for an agent.
/// </summary>
internal sealed class ProcessWatch : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<(SafeFileHandle Process, TaskCompletionSource Ended)> watched = [];
    private readonly AnonymousPipeServerStream wake = new(PipeDirection.Out);
    private readonly AnonymousPipeClientStream woken;

    // A byte is in the pipe. There is never more than one, so that writing it never blocks.
    private bool rung;
    private bool stopping;

    public ProcessWatch()
    {
        woken = new AnonymousPipeClientStream(PipeDirection.In, wake.ClientSafePipeHandle);
        new Thread(Run) { IsBackground = true, Name = "hive process watch" }.Start();
    }

    /// <summary>Completes and closes the handle when the process behind <paramref name="process"/> has ended; never
    /// completes after this watch has stopped.</summary>
    public Task Ended(SafeFileHandle process)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (stopping)
            {
                process.Dispose();
                return ended.Task;
            }

            watched.Add((process, ended));
            Ring();
        }

        return ended.Task;
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (stopping)
                return;
            stopping = true;
            Ring();
        }
    }

    // Called under the gate, so that the pipe is still open.
    private void Ring()
    {
        if (rung)
            return;
        rung = true;
        wake.WriteByte(0);
    }

    private void Run()
    {
        using var handle = new SafeFileHandle(woken.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        while (true)
        {
            (SafeFileHandle Process, TaskCompletionSource Ended)[] all;
            lock (gate)
                all = [.. watched];
            var readable = new bool[all.Length + 1];
            LinuxProcess.WaitReadable([handle, .. all.Select(w => w.Process)], readable);
            lock (gate)
            {
                if (readable[0])
                {
                    woken.ReadByte();
                    rung = false;
                }

                for (var i = 0; i < all.Length; i++)
                {
                    if (!readable[i + 1])
                        continue;
                    watched.Remove(all[i]);
                    all[i].Process.Dispose();
                    all[i].Ended.SetResult();
                }

                if (!stopping)
                    continue;
                foreach (var (process, _) in watched)
                    process.Dispose();
                watched.Clear();
                woken.Dispose();
                wake.Dispose();
                return;
            }
        }
    }
}
