using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Persistence;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>A harness has started or reconnected: what nobody works on any more comes again.</summary>
internal static class RequeueInflight
{
    internal sealed record Command(Caller Caller, IReadOnlyList<long>? ExceptTurns = null) : IRequest<Result>;

    internal sealed record Result(int Requeued);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleForEach(c => c.ExceptTurns).GreaterThan(0).WithMessage("'except_turns' holds numbers of turns, above 0");
    }

    internal sealed class Handler(IStore store, Broker broker) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) => store.Write(
            write => new Result(broker.RequeueInflight(write, command.Caller.Name, command.ExceptTurns ?? [])), CancellationToken.None);
    }
}
