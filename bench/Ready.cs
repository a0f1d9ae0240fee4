using System.Diagnostics;
using System.Net.Sockets;

namespace Hive.Benchmarks;

internal static class Ready
{
    /// <summary>Retries until a server answers, has exited, or thirty seconds have passed.</summary>
    public static async Task WaitAsync(string what, Scratch.Child child, Func<Task> attempt, CancellationToken ct)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await attempt();
                return;
            }
            catch (SocketException e)
            {
                if (child.Process.HasExited)
                    throw new BenchmarkException(
                        $"{what} ended with {child.Process.ExitCode} at its start:\n{child.Tail()}"
                    );
                if (waited.Elapsed > TimeSpan.FromSeconds(30))
                    throw new BenchmarkException($"{what} was not there after 30 s ({e.Message}):\n{child.Tail()}");
            }

            await Task.Delay(50, ct);
        }
    }
}
