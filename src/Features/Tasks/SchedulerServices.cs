using Hive.Common;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Tasks;

/// <summary>Registers the scheduler, which <see cref="TasksAtStart"/> starts. It needs <see cref="IClaims"/> and
/// <see cref="IReadyTasksLoader"/>.</summary>
internal static class SchedulerServices
{
    public static IServiceCollection AddScheduler(this IServiceCollection services) =>
        services
            .AddSingletonAs<ReadyTasks, IReadyTasks, IAgentTasks>()
            .AddSingletonAs<ConditionWatch, ICommitObserver>()
            .AddSingletonAs<AgentStatusLog, IAgentDataCleanup, IHostedService>()
            .AddSingleton<ISchema, AgentStatusSchema>()
            .AddSingletonAs<Dispatcher, IScheduler>();
}
