using System.Diagnostics;
using Hive.Common.Linux;
using Hive.Runtimes.Local;
using Hive.Tests.Fixture;

namespace Hive.Tests.Containers;

/// <summary>Tests that the ends of real processes are noticed, also while a host stops.</summary>
public sealed class ProcessWatchTests
{
    [Fact]
    public async Task Every_end_is_noticed_however_many_processes_are_watched()
    {
        using var watch = new ProcessWatch();
        var sleepers = Enumerable.Range(0, 50).Select(_ => Process.Start("sleep", "1000")).ToArray();
        var ends = sleepers.Select(s => watch.Ended(LinuxProcess.Open(s.Id)!)).ToArray();
        Assert.DoesNotContain(ends, e => e.IsCompleted);
        foreach (var sleeper in sleepers)
        {
            sleeper.Kill();
            await sleeper.WaitForExitAsync();
            sleeper.Dispose();
        }

        await Task.WhenAll(ends);
    }

    [Fact]
    public async Task A_stopped_watch_never_completes_a_wait_and_closes_its_handle()
    {
        var watch = new ProcessWatch();
        using var self = Process.GetCurrentProcess();
        var before = LinuxProcess.Open(self.Id)!;
        var early = watch.Ended(before);
        watch.Dispose();
        watch.Dispose();
        var after = LinuxProcess.Open(self.Id)!;
        var late = watch.Ended(after);
        Assert.True(after.IsClosed);
        await Patience.Until(() => Task.FromResult(before.IsClosed), "the first handle is closed");
        Assert.False(early.IsCompleted || late.IsCompleted);
        // Also when it is called again.
        watch.Dispose();
        Assert.False(watch.Ended(LinuxProcess.Open(self.Id)!).IsCompleted);
    }
}
