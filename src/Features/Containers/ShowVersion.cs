using Hive.Common;
using Hive.Common.Doctor;
using Hive.Runtimes;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>Reports the same as <see cref="Health"/> to the operator at the host socket, with paths and
/// causes.</summary>
internal static class ShowVersion
{
    internal sealed record Query : IRequest<Health.Result>;

    internal sealed class Handler(RuntimeCatalog runtimes, HiveBuild build, IEnumerable<ITrouble> troubles)
        : IRequestHandler<Query, Health.Result>
    {
        public Task<Health.Result> Handle(Query request, CancellationToken cancellationToken) =>
            Health.Tell(runtimes, build, troubles, trouble => trouble.Text, cancellationToken);
    }
}
