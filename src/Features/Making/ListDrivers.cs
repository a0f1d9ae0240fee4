using MediatR;

namespace Hive.Features.Making;

/// <summary>Lists the drivers that a new agent can have, and example roles.</summary>
internal static class ListDrivers
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<DriverView> Drivers, IReadOnlyList<ExampleRole> Roles);

    internal sealed class Handler(DriverPrograms programs) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new(await programs.Find(cancellationToken), ExampleRoles.All);
    }
}
