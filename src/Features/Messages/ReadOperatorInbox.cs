using FluentValidation;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Acknowledges messages that the operator has read.</summary>
internal static class ReadOperatorInbox
{
    internal sealed record Command(IReadOnlyList<long>? Ids = null, bool? All = null) : IRequest<Result>;

    internal sealed record Result(int Acked);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c)
                .Must(c => c.Ids is not null ^ c.All == true)
                .WithMessage("give either 'ids' or 'all': true");
    }

    internal sealed class Handler(Chunks chunks, Leases leases) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            new((await chunks.Write(_ => command.Ids ?? leases.UnreadByOperator(), leases.AckRead)).Sum());
    }
}
