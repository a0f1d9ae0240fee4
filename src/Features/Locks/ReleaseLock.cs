using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Locks;

/// <summary>Releases a lock for the operator, whoever holds it and however often it was acquired.</summary>
internal static class ReleaseLock
{
    internal sealed record Command(Caller Caller, long Id) : IRequest<Result>;

    internal sealed record Result(LockView Lock);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("lock");
    }

    internal sealed class Handler(IStore store, LockTable table) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => new Result(table.Free(write, command.Id, $"released by {command.Caller.Name}")),
                CancellationToken.None
            );
    }
}
