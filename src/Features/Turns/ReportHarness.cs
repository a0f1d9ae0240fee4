using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Turns.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Notes the state of a harness; the report holds as long as its connection, or until the next
/// report.</summary>
internal static class ReportHarness
{
    private const int NameBytes = 200;
    private const int UrlBytes = 4096;
    private const int OutputBytes = 32 * 1024;
    private const int MissingBytes = 1000;
    private const long MostTokens = 1_000_000_000_000;

    internal sealed record Command(
        Caller Caller,
        string State,
        DateTimeOffset SinceAt,
        string? Driver = null,
        string? Model = null,
        long? ContextTokens = null,
        long? ContextLimit = null,
        long? Turn = null,
        DateTimeOffset? RateLimitedUntil = null,
        LoginView? Login = null,
        string? Missing = null
    ) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.State)
                .Must(s => HarnessState.Reportable.Contains(s))
                .WithMessage($"'state' must be one of {string.Join(", ", HarnessState.Reportable)}");
            RuleFor(c => c.Driver).MustBeText(NameBytes);
            RuleFor(c => c.Model).MustBeText(NameBytes);
            RuleFor(c => c.ContextTokens)
                .InclusiveBetween(0, MostTokens)
                .WithMessage("'context_tokens' must be 0 or more");
            RuleFor(c => c.ContextLimit)
                .InclusiveBetween(0, MostTokens)
                .WithMessage("'context_limit' must be 0 or more");
            RuleFor(c => c.Missing).MustBeText(MissingBytes);
            // The operator follows this link: one with another scheme could run something on the page.
            RuleFor(c => c.Login!.Url).MustBeText(UrlBytes).When(c => c.Login is not null);
            RuleFor(c => c.Login!.Url)
                .Must(IsWeb)
                .When(c => c.Login?.Url is not null)
                .WithMessage("'login.url' must begin with https:// or http://");
            RuleFor(c => c.Login!.Output)
                .MustBeText(OutputBytes, _ => "send the end of it")
                .When(c => c.Login is not null);
            RuleFor(c => c.Login!.Error).MustBeText(UrlBytes).When(c => c.Login is not null);
        }

        private static bool IsWeb(string? url) =>
            Uri.TryCreate(url, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp);
    }

    internal sealed class Handler(IStore store, Harnesses harnesses) : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var (caller, turn) = (command.Caller, command.Turn);
            var known = harnesses.Of(caller.Name);
            var startedAt =
                turn is null ? null
                : known.Turn == turn ? known.TurnStartedAt
                : await store.Read(
                    db => Turn.Find(db, caller.Name, turn.Value)?.StartedInstant,
                    CancellationToken.None
                );
            harnesses.Report(
                caller,
                new HarnessView(
                    Connected: true,
                    command.State,
                    command.SinceAt,
                    command.Driver,
                    command.Model,
                    command.ContextTokens,
                    command.ContextLimit,
                    turn,
                    startedAt,
                    command.RateLimitedUntil,
                    command.Login,
                    command.Missing
                )
            );
            return Done.Instance;
        }
    }
}
