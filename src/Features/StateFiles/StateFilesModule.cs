using Hive.Common.Doors;

namespace Hive.Features.StateFiles;

/// <summary>The door of the state files. There is none that tells whether a path exists.</summary>
internal sealed class StateFilesModule : FeatureModule
{
    public StateFilesModule() => Get<ReadStateFile.Query>("/api/state-file");
}
