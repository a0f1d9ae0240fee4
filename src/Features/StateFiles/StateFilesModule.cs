using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.StateFiles.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.StateFiles;

/// <summary>Files in agents' state folders. No door tells whether a path exists.</summary>
internal sealed class StateFilesModule : FeatureModule
{
    public StateFilesModule()
    {
        Uses(nameof(Agents));
        Check<Openat2Check>();
        Backup<StateBackup>();
        Restore<StateRestore>();
        Get<ReadStateFile.Query>("/api/state-file");
        Get<ListStateFiles.Query>("/api/agents/{name}/files");
        Post<ShareText.Command>("/api/shared-files");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<StateFileOpener>()
            .AddSingleton<StateFolderReader>()
            .AddSingleton<IFileReferences, FileReferences>()
            .AddSingletonAs<StateFileWriter, IStateFileWriter>()
            .AddSingleton<IStateFileReader, StateFileReader>()
            .AddSingleton<IFileHandover, FileHandover>()
            .AddSingleton<IForgeTokenFile, ForgeTokenFile>();
}
