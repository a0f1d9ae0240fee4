using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Closes a thread for <c>/api/v1</c>.</summary>
internal static class CloseThread
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<Result>;

    internal sealed record Result(bool Success, long ThreadId);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("thread");
    }

    internal sealed class Handler(IStore store, Threads threads) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command c, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    threads.Close(write, Threads.Require(write.Db, c.Caller, c.Id), ThreadStatus.Resolved);
                    return new Result(true, c.Id);
                },
                CancellationToken.None
            );
    }
}
