using Hive.Common.Notifications;
using MediatR;

namespace Hive.Features.Doctor;

/// <summary>Checks now how much is free on the disk of the data folder, after the operator made room.</summary>
internal static class CheckDisk
{
    internal sealed record Command : IRequest<Result>;

    internal sealed record Result(bool Enough, string? Detail = null);

    internal sealed class Handler(WaitingDisk disk, IWaitingReports reports) : IRequestHandler<Command, Result>
    {
        // A disk may take long to answer, and the caller may be the thread that serves sockets.
        public Task<Result> Handle(Command request, CancellationToken cancellationToken) =>
            Task.Run(() => disk.Show(reports) is { } thing ? new Result(false, thing.Detail) : new Result(true));
    }
}
