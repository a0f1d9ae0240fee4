using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Acknowledges received messages: they are handled and never delivered again.</summary>
internal static class AckMessages
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("Ids of received messages.")] IReadOnlyList<long>? Ids = null,
        [property: Description("True to acknowledge everything that this connection received.")] bool? All = null
    ) : IRequest<Result>, IShortRequest;

    internal sealed record Result(int Acked) : ICountsMessages
    {
        int ICountsMessages.Messages => Acked;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c)
                .Must(c => c.Ids is not null ^ c.All == true)
                .WithMessage("give either 'ids' or 'all': true");
    }

    internal sealed class Handler(Chunks chunks, Leases leases) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var caller = command.Caller;
            var acked = await chunks.Write(
                _ => command.Ids ?? leases.LeasedTo(caller),
                (write, ids) => leases.Ack(write, caller.Name, command.Ids is null ? leases.LeasedTo(caller, ids) : ids)
            );
            return new Result(acked.Sum());
        }
    }
}
