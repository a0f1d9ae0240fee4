using Hive.Common.Errors;

namespace Hive.Common.Storage;

/// <summary>Kinds of writes that several slices need.</summary>
public static class StoreExtensions
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Changes the database without a result.</summary>
    public static Task Write(this IStore store, Action<IWrite> work, CancellationToken ct = default) =>
        store.Write<object?>(
            write =>
            {
                work(write);
                return null;
            },
            ct
        );

    /// <summary>
    /// Retries a write every second until it is stored or the host stops, also while the disk is full. For changes that
    /// nobody else would repeat, such as recording that a connection has closed.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="work">May run several times; only the last run is stored.</param>
    /// <param name="clock">Measures the pause.</param>
    /// <param name="stopping">The host stops; the next start's sweep catches up.</param>
    public static async Task WriteUntilStored(
        this IStore store,
        Action<IWrite> work,
        TimeProvider clock,
        CancellationToken stopping
    )
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await store.Write(work, CancellationToken.None);
                return;
            }
            catch (Problem e) when (e.Code == Protocol.ErrorCode.Unavailable)
            {
                try
                {
                    await Task.Delay(Pause, clock, stopping);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }
}
