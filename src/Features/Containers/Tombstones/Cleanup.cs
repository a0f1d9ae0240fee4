using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Runs a part of a cleanup whose failure must not keep the host from anything else; the next start
/// retries.</summary>
internal sealed partial class Cleanup(ILogger<Cleanup> log)
{
    /// <summary>Runs it, and logs when it fails.</summary>
    public async Task TryAndLog(string agent, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e)
        {
            LogFailed(log, agent, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "cleaning up after {Agent} failed; the next start retries")]
    private static partial void LogFailed(ILogger logger, string agent, Exception error);
}
