using System.Runtime.InteropServices;

namespace Hive.Agent;

/// <summary>Turns SIGTERM and SIGINT into a cancellation token, without ending the process.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration term,
        interrupt;

    public StopSignal()
    {
        term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        term.Dispose();
        interrupt.Dispose();
        source.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        source.Cancel();
    }
}
