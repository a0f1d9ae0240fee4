using System.Threading.Channels;

namespace Hive.Common;

/// <summary>Wakes one loop that waits for work. It has nothing to dispose of, so that a timer or a commit may ring it
/// while the host stops.</summary>
public class Bell
{
    private readonly Channel<bool> rung = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <summary>Rings; from any thread, and at any time. It does nothing when it rings already.</summary>
    public void Ring() => rung.Writer.TryWrite(true);

    /// <summary>Waits until it has rung since the last wait.</summary>
    public async Task Wait(CancellationToken ct) => await rung.Reader.ReadAsync(ct);
}
