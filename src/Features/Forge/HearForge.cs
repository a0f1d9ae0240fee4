using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using FluentValidation;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>Tells agents of events on the forge that concern them: a pull request for them, a requested review, a
/// mention.</summary>
internal static class HearForge
{
    /// <summary>How long a delivery is remembered, and how old its event may be; so no delivery can ever be
    /// replayed.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromDays(90);

    internal const int ForgottenAtOnce = 20;

    private const string ForgetSql = """
        DELETE FROM forge_deliveries
         WHERE mark IN (
            SELECT mark FROM forge_deliveries WHERE received_at < @before ORDER BY received_at LIMIT @ForgottenAtOnce)
        """;

    internal sealed record Command(string Event, ReadOnlyMemory<byte> Body) : IRequest<Result>;

    /// <param name="Told">The agents that were told; none when the event concerns none, or was handled before.</param>
    internal sealed record Result(IReadOnlyList<string> Told);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Body).Must(body => body.Length > 0).WithMessage("the body is empty; send the event as JSON");
    }

    internal sealed class Handler(IStore store, IRoster roster, IOutbox outbox, TimeProvider clock)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            JsonElement body;
            try
            {
                body = JsonElement.Parse(command.Body.Span);
            }
            catch (JsonException e)
            {
                throw Problem.Invalid($"invalid JSON: unexpected text at byte {e.BytePositionInLine ?? 0}", e);
            }

            var now = clock.GetUtcNow();
            var happened = ForgeEvent.Read(command.Event, body);
            // An event without a time could be replayed once it is forgotten.
            if (happened?.At is not { } at || at < now - Memory)
                return new Result([]);
            // Only the body is signed: a replay can carry another delivery's number.
            var mark = "body " + Convert.ToHexStringLower(SHA256.HashData(command.Body.Span));
            // By the forge's clock if that is ahead.
            var received = (at > now ? at : now).ToUnixTimeMilliseconds();
            return await store.Write(
                write =>
                {
                    // Forgotten deliveries are too old to be replayed. A few at a time, though many may be due at once:
                    // each delivery adds one.
                    write.Db.Execute(
                        ForgetSql,
                        new { before = (now - Memory).ToUnixTimeMilliseconds(), ForgottenAtOnce }
                    );
                    if (
                        write.Db.Execute(
                            "INSERT OR IGNORE INTO forge_deliveries (mark, received_at) VALUES (@mark, @received)",
                            new { mark, received }
                        ) == 0
                    )
                        return new Result([]);
                    var told = happened
                        .Concerned.Where(c => roster.Find(c.Key) is not null)
                        .OrderBy(c => c.Key, StringComparer.Ordinal)
                        .ToArray();
                    foreach (var (agent, why) in told)
                        outbox.Append(write, Principals.System, agent, happened.BodyFor(why));
                    return new Result([.. told.Select(t => t.Key)]);
                },
                CancellationToken.None
            );
        }
    }
}
