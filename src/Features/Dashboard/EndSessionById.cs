using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Ends one session: its key stops working, and its streams end.</summary>
internal static class EndSessionById
{
    internal sealed record Command(string Id) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Id)
                .Must(id => id?.Length == OperatorKeys.ShortIdLength && id.All(char.IsAsciiHexDigitLower))
                .WithMessage($"'id' must be {OperatorKeys.ShortIdLength} lower-case hex digits");
    }

    internal sealed class Handler(IStore store, OperatorKeys keys, Visitor visitor, IAudit audit)
        : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var (origin, _) = visitor.Current();
            var id = keys.WithShortId(command.Id);
            return store.Write(
                write =>
                {
                    if (id is null || !keys.End(write, id))
                        throw Problem.NotFound($"session {command.Id} not found; it may have ended already");
                    audit.Add(write, AuditKind.SessionEnded, origin, command.Id);
                    return Done.Instance;
                },
                CancellationToken.None
            );
        }
    }
}
