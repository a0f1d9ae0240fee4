using Hive.Common;

namespace Hive.Tests.Fixture;

/// <summary>Waits for what the host does by itself, without sleeping and not for ever.</summary>
internal static class Patience
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    // Without a pause, a test that waits takes a processor from the program that it waits for.
    private const int LongestPause = 10;

    /// <summary>Waits until a condition holds; fails after a minute.</summary>
    /// <param name="holds">The condition, looked at every 1 to 10 ms.</param>
    /// <param name="what">The condition in words, for the failure.</param>
    public static Task Until(Func<Task<bool>> holds, string what) => Until(holds, () => what);

    /// <summary>Waits until a condition holds; fails after a minute.</summary>
    /// <param name="holds">The condition, looked at every 1 to 10 ms.</param>
    /// <param name="what">The condition in words, and how things are instead.</param>
    public static async Task Until(Func<Task<bool>> holds, Func<string> what)
    {
        if (!await Comes(holds))
            Assert.Fail($"not within {Longest.TotalSeconds} s: {what()}");
    }

    /// <summary>Reads until a value is as wanted; after a minute it is the last one, of which the test says what is
    /// wrong.</summary>
    public static async Task<T> Last<T>(Func<Task<T>> read, Predicate<T> isWanted)
    {
        var last = default(T)!;
        await Comes(async () => isWanted(last = await read()));
        return last;
    }

    private static async Task<bool> Comes(Func<Task<bool>> holds)
    {
        using var end = new CancellationTokenSource(Longest);
        for (var pause = 1; !await holds(); pause = Math.Min(2 * pause, LongestPause))
        {
            if (end.IsCancellationRequested)
                return false;
            await Task.Delay(TimeSpan.FromMilliseconds(pause));
        }

        return true;
    }

    /// <summary>Waits until a condition holds; fails after a minute.</summary>
    public static Task Until(Func<bool> holds, string what) => Until(() => Task.FromResult(holds()), () => what);

    /// <summary>Waits until a condition on files holds, or a task has ended; fails after a minute.</summary>
    /// <param name="folder">A folder; the condition is looked at again when something changes below it.</param>
    /// <param name="holds">The condition.</param>
    /// <param name="what">The condition in words, for the failure.</param>
    /// <param name="ended">The task, such as the end of the process that changes the files.</param>
    public static async Task UntilFiles(string folder, Func<bool> holds, string what, Task? ended = null)
    {
        var changed = new Bell();
        using var watcher = new FileSystemWatcher(folder) { IncludeSubdirectories = true };
        watcher.Created += (_, _) => changed.Ring();
        watcher.Changed += (_, _) => changed.Ring();
        watcher.Renamed += (_, _) => changed.Ring();
        watcher.Deleted += (_, _) => changed.Ring();
        watcher.Error += (_, _) => changed.Ring();
        watcher.EnableRaisingEvents = true;
        using var end = new CancellationTokenSource(Longest);
        ended ??= new TaskCompletionSource().Task;
        while (!holds() && !ended.IsCompleted)
        {
            Assert.False(end.IsCancellationRequested, $"not within {Longest.TotalSeconds} s: {what}");
            await Task.WhenAny(changed.Wait(end.Token), ended);
        }
    }
}
