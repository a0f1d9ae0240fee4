using Hive.Common.Errors;

namespace Hive.Common.Storage;

/// <summary>Ways to write that several slices need.</summary>
public static class StoreExtensions
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>A write without a result.</summary>
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
    /// A step that must not be skipped because the disk is full at the moment: tried again every second until it is
    /// stored or the host stops.
    /// For what nobody can ask for again, such as noting that a connection has gone.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="work">May run several times; only the last time counts.</param>
    /// <param name="clock">Measures the pause.</param>
    /// <param name="stopping">The host stops; what was not stored then is swept up at the next start.</param>
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
                await store.Write(work, CancellationToken.None).ConfigureAwait(false);
                return;
            }
            catch (Problem e) when (e.Code == Protocol.ErrorCode.Unavailable)
            {
                try
                {
                    await Task.Delay(Pause, clock, stopping).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }
}
