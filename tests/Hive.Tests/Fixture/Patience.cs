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
}
