using System.Reflection;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents;
using Hive.Features.Approvals;
using Hive.Features.Backups;
using Hive.Features.Containers;
using Hive.Features.Dashboard;
using Hive.Features.Doctor;
using Hive.Features.Forge;
using Hive.Features.Messages;
using Hive.Features.Meta;
using Hive.Features.Questions;
using Hive.Features.Reminders;
using Hive.Features.StateFiles;
using Hive.Features.Turns;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features;

/// <summary>The list of all slices.</summary>
internal static class Features
{
    /// <summary>The assembly that holds them.</summary>
    public static Assembly Assembly => typeof(Features).Assembly;

    /// <summary>Every slice's module, in the order in which their hosted services start. They stop in reverse.</summary>
    public static IReadOnlyList<FeatureModule> InStartOrder() =>
        [
            new AgentsModule(),
            new StateFilesModule(),
            new MessagesModule(),
            // Before Containers: a harness first asks for what the operator wants of it.
            new TurnsModule(),
            // Before Containers: what was missed while Hive was down is queued before agents can ask again.
            new QuestionsModule(),
            new RemindersModule(),
            // Before Meta and Containers: a deploy to be rolled back must be neither locked nor started.
            new ApprovalsModule(),
            // Before Containers, which are built from what is applied.
            new MetaModule(),
            new ContainersModule(),
            // After all slices whose work it pushes.
            new ForgeModule(),
            new DashboardModule(),
            new DoctorModule(),
            new BackupsModule(),
        ];

    /// <summary>Registers all slices and what they share.</summary>
    public static IServiceCollection AddHiveFeatures(this IServiceCollection services)
    {
        services.AddHiveMessaging(Assembly).AddHiveCommon(HiveVersion.Text);
        foreach (var module in InStartOrder())
            services.AddModule(module);
        return services;
    }
}
