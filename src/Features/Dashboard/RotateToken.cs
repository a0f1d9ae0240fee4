using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Dashboard;

/// <summary>Replaces the access token. The old one stops at once, and its streams end; sessions stay open.</summary>
internal static partial class RotateToken
{
    internal sealed record Command : IRequest<Result>;

    /// <param name="File">The path of the token's file. The token itself is never returned.</param>
    internal sealed record Result(string File);

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
        IAudit audit,
        IStore store,
        TimeProvider clock,
        IHostApplicationLifetime lifetime,
        ILogger<Handler> log
    ) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            if (options.Token is not null)
                throw Problem.Conflict(
                    "the access token is set by the option Token (--token, HIVE_TOKEN or hive.json); "
                        + "change it there and restart Hive"
                );
            var (origin, _) = visitor.Current();
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
            return Task.FromResult(new Result(AccessToken.PathIn(paths.DataDir)));
        }

        [LoggerMessage(Level = LogLevel.Information, Message = "access token replaced by {Actor}")]
        private static partial void LogRotated(ILogger logger, string actor);
    }
}
