using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Dashboard;

/// <summary>Replaces the access token. The old one stops at once, and its streams end; sessions stay open, unless they
/// shall end too.</summary>
internal static partial class RotateToken
{
    /// <param name="Sessions">Ends all sessions but the caller's own, too.</param>
    internal sealed record Command(bool Sessions = false) : IRequest<Result>;

    /// <param name="File">The path of the token's file. The token itself is never returned.</param>
    /// <param name="Ended">How many sessions were ended; absent unless they were to end.</param>
    internal sealed record Result(string File, int? Ended = null);

    /// <summary>One rotation at a time.</summary>
    internal sealed class Rotations
    {
        public Lock Gate { get; } = new();
    }

    internal sealed partial class Handler(
        HiveOptions options,
        HivePaths paths,
        OperatorKeys keys,
        Rotations rotations,
        Visitor visitor,
        OtherSessions others,
        IAudit audit,
        IStore store,
        TimeProvider clock,
        IHostApplicationLifetime lifetime,
        ILogger<Handler> log
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            if (options.Token is not null)
                throw Problem.Conflict(
                    "the access token is set by the option Token (--token, HIVE_TOKEN or hive.json); "
                        + "change it there and restart Hive"
                );
            var (origin, own) = visitor.Current();
            try
            {
                lock (rotations.Gate)
                    keys.Replace(AccessToken.Create(paths.DataDir));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Problem.Unavailable($"the access token was not replaced, and the old one stays: {e.Message}", e);
            }

            // The token is replaced now, also when the disk has become full and the entry is stored much later.
            var at = clock.GetUtcNow();
            LogRotated(log, origin.Actor);
            _ = store.WriteUntilStored(
                write => audit.Add(write, AuditKind.TokenRotated, origin, at: at),
                clock,
                lifetime.ApplicationStopping
            );
            // Last, since it waits for the disk.
            var ended = command.Sessions ? await others.End(origin, own) : (int?)null;
            return new Result(AccessToken.PathIn(paths.DataDir), ended);
        }

        [LoggerMessage(Level = LogLevel.Information, Message = "access token replaced by {Actor}")]
        private static partial void LogRotated(ILogger logger, string actor);
    }
}
