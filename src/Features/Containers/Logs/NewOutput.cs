using Hive.Runtimes;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Logs;

/// <summary>Hands on the lines that an agent prints while it is started.</summary>
internal sealed partial class NewOutput(ILogger<NewOutput> log)
{
    // The time that a daemon has to tell the last line, and that the last lines have to come through a pump. In the
    // machine's own time, because a start must not wait for them forever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Follows an agent's output during its start. After a failed start, all lines have been handed on when
    /// this returns; after another, the last ones may follow.</summary>
    public async Task Follow(IRuntime runtime, string agent, Action<IReadOnlyList<string>> print, Func<Task> start)
    {
        var follower = await TryFollow(runtime, agent, print);
        try
        {
            await start();
        }
        catch
        {
            await TryEnd(follower, agent);
            throw;
        }

        _ = TryEnd(follower, agent);
    }

    // Without its output, the start goes on all the same.
    private async Task<Follower?> TryFollow(IRuntime runtime, string agent, Action<IReadOnlyList<string>> print)
    {
        var follower = new Follower(runtime, agent, print, new CancellationTokenSource());
        try
        {
            await follower.Begin().WaitAsync(Patience);
            return follower;
        }
        catch (Exception e)
        {
            LogNotFollowed(log, agent, e.Message);
            follower.Cancel();
            return null;
        }
    }

    private async Task TryEnd(Follower? follower, string agent)
    {
        if (follower is null)
            return;
        try
        {
            await follower.UntilLastLine().WaitAsync(Patience);
        }
        catch (Exception e)
        {
            LogNotFollowed(log, agent, e.Message);
        }
        finally
        {
            follower.Cancel();
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "the output of {Agent} was not followed to its end: {Reason}")]
    private static partial void LogNotFollowed(ILogger logger, string agent, string reason);

    private sealed class Follower(
        IRuntime runtime,
        string agent,
        Action<IReadOnlyList<string>> print,
        CancellationTokenSource over
    )
    {
        private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource added = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private string? last;

        // Completes when the lines of earlier runs have been read.
        public Task Begin()
        {
            _ = Task.Run(Read);
            return begun.Task;
        }

        public void Cancel() => over.Cancel();

        public async Task UntilLastLine()
        {
            while (true)
            {
                var next = Volatile.Read(ref added).Task;
                if ((await runtime.Tail(agent, 1, over.Token)) is not [.., var newest] || newest == last)
                    return;
                await next.WaitAsync(over.Token);
            }
        }

        private async Task Read()
        {
            try
            {
                await foreach (var lines in runtime.Follow(agent, 1, over.Token))
                {
                    if (begun.Task.IsCompleted)
                        print(lines);
                    last = lines is [.., var newest] ? newest : last;
                    begun.TrySetResult();
                    Interlocked
                        .Exchange(
                            ref added,
                            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
                        )
                        .SetResult();
                }
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                // It is over.
            }
            catch (Exception e)
            {
                begun.TrySetException(e);
                Volatile.Read(ref added).TrySetException(e);
            }
        }
    }
}
