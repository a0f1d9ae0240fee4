using Hive.Common;

namespace Hive.Tests.Fixture;

/// <summary>Waits for what the host does by itself, without sleeping and not for ever.</summary>
internal static class Patience
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>Waits until a condition holds; fails after a minute.</summary>
    /// <param name="holds">The condition, looked at again and again.</param>
    /// <param name="what">The condition in words, for the failure.</param>
    public static async Task Until(Func<Task<bool>> holds, string what)
    {
        using var end = new CancellationTokenSource(Longest);
        while (!await holds())
        {
            Assert.False(end.IsCancellationRequested, $"not within {Longest.TotalSeconds} s: {what}");
            await Task.Yield();
        }
    }

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
