using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hive.Tests;
using Hive.Tests.Fixture;

[assembly: AssemblyFixture(typeof(AllRows))]

namespace Hive.Tests;

/// <summary>One host for all rows of a theory, such as of requests that are refused and change nothing. It ends with
/// the suite.</summary>
public sealed class AllRows : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<IAsyncDisposable>>> Started = new();

    /// <summary>The host of the calling theory, which its first row starts.</summary>
    internal static async Task<T> Share<T>(
        Func<Task<T>> start,
        [CallerFilePath] string file = "",
        [CallerMemberName] string theory = ""
    )
        where T : IAsyncDisposable =>
        (T)await Started.GetOrAdd($"{file} {theory}", _ => new(async () => await start())).Value;

    /// <summary>The same for a host that only has these agents.</summary>
    internal static Task<HiveFixture> Share(
        string[] agents,
        [CallerFilePath] string file = "",
        [CallerMemberName] string theory = ""
    ) =>
        Share(
            async () =>
            {
                var hive = await HiveFixture.Start();
                await hive.Spawn(agents);
                return hive;
            },
            file,
            theory
        );

    public async ValueTask DisposeAsync()
    {
        // One that did not start has failed its rows.
        foreach (var host in Started.Values.Where(host => host.Value.IsCompletedSuccessfully))
            await (await host.Value).DisposeAsync();
    }
}
